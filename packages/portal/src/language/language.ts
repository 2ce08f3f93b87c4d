import { createInstance, type i18n as I18n } from 'i18next';
import { initReactI18next } from 'react-i18next';

/** The portal's own words. What the master says (sentences, reasons) comes in English. */
export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof languages;

const storageKey = 'paravcl.language';
// A file for each group of pages, loaded with the first page that uses it.
const files = import.meta.glob<Readonly<Record<string, unknown>>>('../locales/*/*.json', { import: 'default' });

export function preferredLanguage(): Language {
  const chosen = localStorage.getItem(storageKey) ?? navigator.languages.map((each) => each.slice(0, 2)).find((each) => each in languages);
  return chosen === 'de' ? 'de' : 'en';
}

/** Loads words when a page asks for them; what a language lacks is said in English. */
export async function startLanguage(): Promise<I18n> {
  const instance = createInstance();
  instance.use({
    type: 'backend',
    read: (language: string, namespace: string, done: (error: unknown, words: Readonly<Record<string, unknown>> | null) => void) => {
      const load = files[`../locales/${language}/${namespace}.json`];
      if (load === undefined) done(new Error(`There are no words ${language}/${namespace}.`), null);
      else load().then((words) => done(null, words), (error: unknown) => done(error, null));
    },
  });
  instance.use(initReactI18next);
  await instance.init({ lng: preferredLanguage(), fallbackLng: 'en', supportedLngs: Object.keys(languages), ns: ['shell'], defaultNS: 'shell', interpolation: { escapeValue: false }, returnNull: false });
  document.documentElement.lang = instance.language;
  return instance;
}

export async function chooseLanguage(instance: I18n, language: Language): Promise<void> {
  localStorage.setItem(storageKey, language);
  await instance.changeLanguage(language);
  document.documentElement.lang = language;
}
