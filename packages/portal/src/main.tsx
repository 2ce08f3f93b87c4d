import '@patternfly/react-core/dist/styles/base.css';
import './shell/portal.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { I18nextProvider } from 'react-i18next';
import { RouterProvider } from 'react-router/dom';
import { makeQueryClient } from './api/query-client';
import { startLanguage } from './language/language';
import { router } from './shell/app';
import { followTheme } from './shell/theme';
import { reloadAfterUpgrade } from './shell/upgrade';

reloadAfterUpgrade();
followTheme();
const root = document.getElementById('root');
if (root === null) throw new Error('The page has no place for the portal.');
const language = await startLanguage();
createRoot(root).render(
  <StrictMode>
    <I18nextProvider i18n={language}>
      <QueryClientProvider client={makeQueryClient()}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </I18nextProvider>
  </StrictMode>,
);
