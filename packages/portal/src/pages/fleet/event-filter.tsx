import { Button, Form, FormGroup, FormSelect, FormSelectOption, Grid, GridItem } from '@patternfly/react-core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Field } from '../../states/field';
import { momentTyped, typedOf } from './typed-moment';

/** Beginnings of kinds of events. */
const nouns = ['slave', 'host-install', 'user', 'group', 'image', 'image-family', 'template', 'instance', 'deployment', 'snapshot', 'join-token', 'reservation', 'home', 'store', 'console', 'site'] as const;

interface EventFilterProps {
  readonly params: URLSearchParams;
  /** In which the moments of the list below are told too. */
  readonly timeZone: string;
  readonly onFilter: (next: Readonly<Record<string, string>>) => void;
}

/** Which events are shown: of what, in which span of the site's time. */
export function EventFilter({ params, timeZone, onFilter }: EventFilterProps): ReactNode {
  const { t } = useTranslation('fleet');
  const [kind, setKind] = useState(params.get('kind') ?? '');
  const [since, setSince] = useState(typedOf(params.get('since'), timeZone));
  const [until, setUntil] = useState(typedOf(params.get('until'), timeZone));
  const kept = { subjectId: params.get('subjectId') ?? '', actorUserId: params.get('actorUserId') ?? '' };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onFilter({ ...kept, kind, since: momentTyped(since, timeZone), until: momentTyped(until, timeZone) });
  };
  const isNarrowed = params.size > 0;
  return (
    <Form onSubmit={submit}>
      <Grid hasGutter>
        <GridItem sm={6} lg={3}>
          <FormGroup label={t('events.kind')} fieldId="event-kind">
            <FormSelect id="event-kind" value={kind} onChange={(_event, next) => setKind(next)}>
              <FormSelectOption value="" label={t('events.anyKind')} />
              {nouns.map((noun) => <FormSelectOption key={noun} value={`${noun}.`} label={t(`events.noun.${noun}`)} />)}
              {kind !== '' && !nouns.some((noun) => kind === `${noun}.`) && <FormSelectOption value={kind} label={kind} />}
            </FormSelect>
          </FormGroup>
        </GridItem>
        <GridItem sm={6} lg={3}><Field id="event-since" type="datetime-local" label={t('events.since')} value={since} onChange={setSince} /></GridItem>
        <GridItem sm={6} lg={3}><Field id="event-until" type="datetime-local" label={t('events.until')} value={until} onChange={setUntil} /></GridItem>
      </Grid>
      {kept.subjectId !== '' && <p>{t('events.ofOne')}</p>}
      {kept.actorUserId !== '' && <p>{t('events.byOne')}</p>}
      <div>
        <Button type="submit" variant="secondary">{t('events.show')}</Button>{' '}
        {isNarrowed && <Button variant="link" onClick={() => onFilter({})}>{t('events.all')}</Button>}
      </div>
    </Form>
  );
}
