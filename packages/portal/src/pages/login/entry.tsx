import type { ReactNode } from 'react';
import { Brand } from '../../shell/brand';
import { useTitle } from '../../shell/title';
import './entry.css';

interface EntryProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Other ways in. */
  readonly ways: ReactNode;
}

/** The frame of the pages before a login: little, so that it is there at once. */
export function Entry({ title, children, ways }: EntryProps): ReactNode {
  useTitle(title);
  return (
    <div className="pv-entry">
      <header className="pv-entry-brand">
        <Brand />
      </header>
      <main className="pv-entry-card">
        <h1>{title}</h1>
        {children}
      </main>
      <nav className="pv-entry-ways" aria-label={title}>{ways}</nav>
    </div>
  );
}
