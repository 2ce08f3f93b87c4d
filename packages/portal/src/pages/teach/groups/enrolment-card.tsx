import { Alert, Button, Card, CardBody, CardFooter, CardTitle, ClipboardCopy, Flex } from '@patternfly/react-core';
import type { Group } from '@paravcl/shared/domain/people';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { Confirm } from '../../../states/confirm';
import { ProblemAlert } from '../../../states/problem-alert';

/** The code with which students register themselves: made, made anew, ended. It is shown once, with a sentence to hand out. */
export function EnrolmentCard({ group }: { readonly group: Group }): ReactNode {
  const { t } = useTranslation('teach');
  const [asks, setAsks] = useState<'renew' | 'end' | null>(null);
  const make = useDo('post /groups/:groupId/enrolment-code', ['groups']);
  const end = useDo('delete /groups/:groupId/enrolment-code', ['groups']);
  const params = { groupId: group.id };
  // What was refused in one dialog is not said in the next; a code that was made stays.
  const close = (): void => {
    setAsks(null);
    end.reset();
    if (make.isError) make.reset();
  };
  const code = make.data?.enrolmentCode;
  const copy = { hoverTip: t('code.copy'), clickTip: t('code.copied'), isReadOnly: true };
  return (
    <Card>
      <CardTitle component="h2">{t('code.title')}</CardTitle>
      <CardBody className="pv-teach-stack">
        <p>{t(group.hasEnrolmentCode ? 'code.open' : 'code.closed')}</p>
        {code !== undefined && group.hasEnrolmentCode && (
          <>
            <Alert variant="info" isInline isPlain isLiveRegion title={t('code.once')} component="p" />
            <div>
              <h3 className="pv-teach-label">{t('code.code')}</h3>
              <ClipboardCopy {...copy} textAriaLabel={t('code.code')} isCode className="pv-teach-big">{code}</ClipboardCopy>
            </div>
            <div>
              <h3 className="pv-teach-label">{t('code.handOut')}</h3>
              <ClipboardCopy {...copy} textAriaLabel={t('code.handOut')} variant="expansion" isExpanded>{t('code.sentence', { address: `${location.origin}/register#${code}`, code, group: group.name })}</ClipboardCopy>
            </div>
          </>
        )}
        <ProblemAlert problem={asks === null ? make.error : null} />
      </CardBody>
      <CardFooter>
        <Flex gap={{ default: 'gapSm' }}>
          {group.hasEnrolmentCode ? (
            <>
              <Button variant="secondary" onClick={() => setAsks('renew')}>{t('code.renew')}</Button>
              <Button variant="link" isDanger onClick={() => setAsks('end')}>{t('code.end')}</Button>
            </>
          ) : (
            <Button variant="secondary" isLoading={make.isPending} isDisabled={make.isPending} onClick={() => make.mutate({ params })}>{t('code.make')}</Button>
          )}
        </Flex>
      </CardFooter>
      {asks === 'renew' && (
        <Confirm title={t('code.renewTitle', { group: group.name })} verb={t('code.renew')} isPending={make.isPending} problem={make.error} onClose={close} onConfirm={() => make.mutate({ params }, { onSuccess: () => setAsks(null) })}>
          <p>{t('code.renewBody')}</p>
        </Confirm>
      )}
      {asks === 'end' && (
        <Confirm title={t('code.endTitle', { group: group.name })} verb={t('code.end')} isDanger isPending={end.isPending} problem={end.error} onClose={close} onConfirm={() => end.mutate({ params }, { onSuccess: () => { make.reset(); end.reset(); setAsks(null); } })}>
          <p>{t('code.endBody')}</p>
        </Confirm>
      )}
    </Card>
  );
}
