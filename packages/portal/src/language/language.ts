import { createInstance, type i18n as I18n } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { speakBy } from './spoken';

/** The portal's own words. What the master says (sentences, reasons) comes in English. */
export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof languages;

const storageKey = 'paravcl.language';
type Words = Readonly<Record<string, unknown>>;
// Those of the first page are there at once; the others are a file for each group of pages, loaded with the first page that uses it.
const first = import.meta.glob<Words>('../locales/*/{shell,login}.json', { import: 'default', eager: true });
const files = import.meta.glob<Words>(['../locales/*/*.json', '!../locales/*/{shell,login}.json'], { import: 'default' });

function preferredLanguage(): Language {
  const chosen = localStorage.getItem(storageKey) ?? navigator.languages.map((each) => each.slice(0, 2)).find((each) => each in languages);
  return chosen === 'de' ? 'de' : 'en';
}

/** Loads words when a page asks for them; what a language lacks is said in English. */
export async function startLanguage(): Promise<I18n> {
  const instance = createInstance();
  instance.use({
    type: 'backend',
    read: (language: string, namespace: string, done: (error: unknown, words: Words | null) => void) => {
      const file = `../locales/${language}/${namespace}.json`;
      const load = files[file];
      if (first[file] !== undefined) done(null, first[file]);
      else if (load === undefined) done(new Error(`There are no words ${language}/${namespace}.`), null);
      else load().then((words) => done(null, words), (error: unknown) => done(error, null));
    },
  });
  instance.use(initReactI18next);
  await instance.init({ lng: preferredLanguage(), fallbackLng: 'en', supportedLngs: Object.keys(languages), ns: ['shell', 'login'], defaultNS: 'shell', interpolation: { escapeValue: false }, returnNull: false });
  document.documentElement.lang = instance.language;
  speakBy((key, blanks) => instance.t(key, blanks ?? {}), () => instance.language);
  return instance;
}

/** Speaks this language from now on, and in this browser the next time too. */
export async function chooseLanguage(instance: I18n, language: Language): Promise<void> {
  localStorage.setItem(storageKey, language);
  await instance.changeLanguage(language);
  document.documentElement.lang = language;
}
