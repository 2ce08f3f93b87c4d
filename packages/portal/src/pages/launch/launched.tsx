import { Alert, Flex, Stack, StackItem, Title } from '@patternfly/react-core';
import { useEffect, useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Answered } from '@paravcl/shared/client/routes';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { JoinWayShown } from '../fleet/join/join-way-shown';

/** After a launch with a pledge: how the own machine becomes a host, shown this once, and what one should know before relying on the launch. */
export function Launched({ answer: { instance, operation, warnings, pledge } }: { readonly answer: Answered<'post /instances'> }): ReactNode {
  const { t } = useTranslation('launch');
  const times = useTimes(useSiteZone());
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <Stack hasGutter>
      <StackItem>
        <Title headingLevel="h1" ref={heading} tabIndex={-1}>{t('launched', { name: instance.name })}</Title>
      </StackItem>
      <StackItem>{operation.sentence}</StackItem>
      {warnings.map((warning) => <StackItem key={warning}><Alert variant="warning" isInline title={warning} component="p" /></StackItem>)}
      {pledge !== null && (
        <StackItem>
          <Stack hasGutter>
            <StackItem>
              <Title headingLevel="h2" size="lg">{t('pledge.title')}</Title>
              <p>{t('pledge.body', { until: times.moment(pledge.until) })}</p>
            </StackItem>
            <StackItem><JoinWayShown way={pledge} until={times.moment(pledge.until)} /></StackItem>
          </Stack>
        </StackItem>
      )}
      <StackItem>
        <Flex>
          <Link to={`/machines/${instance.id}`} className="pf-v6-c-button pf-m-primary">{t('toMachine')}</Link>
          <Link to="/">{t('toMine')}</Link>
        </Flex>
      </StackItem>
    </Stack>
  );
}
