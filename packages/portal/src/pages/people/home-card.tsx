import { Button, Card, CardBody, CardFooter, CardTitle, Form } from '@patternfly/react-core';
import type { User } from '@paravcl/shared/domain/people';
import type { Home } from '@paravcl/shared/domain/home';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo, useGet } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { Field } from '../../states/field';
import { gibOf, mibTyped } from '../../states/gib';
import { ProblemAlert } from '../../states/problem-alert';
import { Read } from '../../states/read';
import { tellMiB } from '../../states/sizes';
import { DeleteHome } from './delete-home';

/** A person's home volume: how it stands, and its size. */
export function HomeCard({ user }: { readonly user: User }): ReactNode {
  const { t } = useTranslation('people');
  const home = useGet('none', 'get /users/:userId/home', { params: { userId: user.id } });
  return (
    <Card>
      <CardTitle component="h2">{t('home.title')}</CardTitle>
      <Read of={home}>{(found) => <HomeShown key={found.sizeMiB} user={user} home={found} />}</Read>
    </Card>
  );
}

function HomeShown({ user, home }: { readonly user: User; readonly home: Home }): ReactNode {
  const { t } = useTranslation('people');
  const say = useSay();
  const [size, setSize] = useState(gibOf(home.sizeMiB));
  const [isDeleting, setIsDeleting] = useState(false);
  const set = useDo('put /users/:userId/home', ['none']);
  const sizeMiB = mibTyped(size);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (sizeMiB !== null) set.mutate({ params: { userId: user.id }, body: { sizeMiB } }, { onSuccess: () => say(t('home.set', { name: user.displayName })) });
  };
  const fault = set.error?.faultOf('sizeMiB') ?? (sizeMiB === null ? t('home.noNumber') : null);
  return (
    <>
      <CardBody className="pv-fleet-stack">
        <p>{home.sizeMiB === 0 ? t('home.none') : t('home.size', { size: tellMiB(home.sizeMiB) })} {home.sentence}</p>
        <Form onSubmit={submit}>
          <Field id="home-size" label={t('home.label')} value={size} onChange={setSize} inputMode="decimal" hint={t('home.hint')} fault={fault} />
          {set.error?.faultOf('sizeMiB') == null && <ProblemAlert problem={set.error} />}
          <div><Button type="submit" variant="secondary" isLoading={set.isPending} isDisabled={set.isPending || sizeMiB === null || sizeMiB === home.sizeMiB}>{t('home.verb')}</Button></div>
        </Form>
      </CardBody>
      {!home.blank && home.state === 'stored' && (
        <CardFooter><Button variant="link" isInline isDanger onClick={() => setIsDeleting(true)}>{t('home.delete')}</Button></CardFooter>
      )}
      {isDeleting && <DeleteHome user={user} onClose={() => setIsDeleting(false)} />}
    </>
  );
}
