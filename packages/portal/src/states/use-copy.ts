import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSay } from '../shell/toasts';

interface Copying {
  /** It was copied just now. */
  readonly isCopied: boolean;
  readonly copy: () => void;
  readonly forget: () => void;
}

/** Copies a text; where the browser does not let the page, that is said, with the way out. */
export function useCopy(text: string): Copying {
  const { t } = useTranslation('shell');
  const say = useSay();
  const [isCopied, setIsCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      // A page that came without TLS has no clipboard at all.
      await navigator.clipboard.writeText(text);
      setIsCopied(true);
    } catch {
      say(t('cannotCopy'), 'warning');
    }
  };
  return { isCopied, copy: () => void copy(), forget: () => setIsCopied(false) };
}
