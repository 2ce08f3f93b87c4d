import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Everything comes from the master's own origin: hashed files below /assets, which browsers keep for ever. */
export default defineConfig({
  plugins: [react()],
  build: {
    // noVNC waits at its top level.
    target: 'es2022',
    // Nothing inline: the master's content security policy allows no data: scripts and fonts.
    assetsInlineLimit: 0,
    // Its polyfill is an inline-ish extra request that no browser we serve needs.
    modulePreload: { polyfill: false },
  },
});
