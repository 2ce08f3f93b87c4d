import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `PARAVCL_MASTER=https://127.0.0.1:8443 npm run dev`: the API of a master that runs, to which this server says it is the master's own page. */
const master = process.env.PARAVCL_MASTER;

/** Everything comes from the master's own origin: hashed files below /assets, which browsers keep for ever. */
export default defineConfig({
  plugins: [react()],
  // A workspace package is not bundled for the development server unless it is named, and this one is CommonJS.
  optimizeDeps: { include: ['@paravcl/shared/api/sockets', ...['address-of', 'answer-of', 'api-problem', 'master-client', 'no-answer'].map((name) => `@paravcl/shared/client/${name}`)] },
  server: { proxy: master === undefined ? {} : { '/api': { target: master, secure: false, ws: true, changeOrigin: true, headers: { origin: master } } } },
  build: {
    // noVNC waits at its top level.
    target: 'es2022',
    // Nothing inline: the master's content security policy allows no data: scripts and fonts.
    assetsInlineLimit: 0,
    // Its polyfill is an inline-ish extra request that no browser we serve needs.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    // Each with all it needs, as one file: split finer, the login page was forty requests, each with a head of a KiB, in four waves.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'entry', test: /portal\/src\/(main\.tsx|pages\/login\/login-page)/, priority: 2 },
            { name: 'home', test: /portal\/src\/(shell\/(logged-in|shell)\.tsx|pages\/home\/home-page)/, priority: 1 },
          ],
        },
      },
    },
  },
});
