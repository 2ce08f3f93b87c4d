import { ActionGroup, Alert, Button, FileUpload, Form, FormGroup } from '@patternfly/react-core';
import type { Roster } from '@paravcl/shared/api/roster';
import type { Group } from '@paravcl/shared/domain/people';
import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../../../api/call';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { useDo } from '../../../api/use-api';
import { ProblemAlert } from '../../../states/problem-alert';
import { useSettled } from '../../../states/use-settled';
import { LinkButton } from '../../../shell/link-button';
import { largestRosterBytes } from './roster-size';
import { RosterTable } from './roster-table';
import { RosterTokens } from './roster-tokens';

/** A list, pasted or out of a file; below it what the master makes of each line; then the whole of it is applied. */
export function RosterForm({ group }: { readonly group: Group }): ReactNode {
  const { t } = useTranslation('teach');
  const [csv, setCsv] = useState('');
  const [fileName, setFileName] = useState('');
  const [isTooLarge, setIsTooLarge] = useState(false);
  const { mutate, reset, data: applied, error, isPending } = useDo('post /groups/:groupId/roster', ['groups']);
  const settled = useSettled(csv);
  const preview = usePreview(group, settled, applied === undefined && !isPending);
  const isEmpty = csv.trim() === '';
  const shown = applied ?? (isEmpty ? undefined : preview.data);
  // What is looked at is what is applied: not while the answer to the last keys is still to come.
  const isLookedAt = !isEmpty && settled === csv && !preview.isFetching && preview.isSuccess;
  const fresh = shown === undefined ? 0 : shown.counts.newUsers + shown.counts.added;
  const mayApply = isLookedAt && applied === undefined && !isPending && fresh > 0 && shown?.counts.faults === 0;
  const change = (text: string): void => {
    setCsv(text);
    setIsTooLarge(false);
    reset();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (mayApply) mutate({ params: { groupId: group.id }, body: { csv, apply: true } });
  };
  return (
    <Form onSubmit={submit} className="pv-teach-form">
      <FormGroup label={t('roster.list')} fieldId="roster">
        <FileUpload
          id="roster"
          type="text"
          value={csv}
          filename={fileName}
          filenamePlaceholder={t('roster.drop')}
          filenameAriaLabel={t('roster.file')}
          browseButtonText={t('roster.browse')}
          clearButtonText={t('roster.clear')}
          aria-label={t('roster.list')}
          allowEditingUploadedText
          isDisabled={isPending}
          onFileInputChange={(_event, file) => setFileName(file.name)}
          onDataChange={(_event, text) => change(text)}
          onTextChange={(_event, text) => change(text)}
          onClearClick={() => { setFileName(''); change(''); }}
          dropzoneProps={{ accept: { 'text/csv': ['.csv', '.txt'], 'text/plain': ['.csv', '.txt'] }, maxSize: largestRosterBytes, onDropRejected: () => setIsTooLarge(true) }}
        />
        <p className="pv-teach-quiet">{t('roster.help')}</p>
      </FormGroup>
      {isTooLarge && <Alert variant="danger" isInline isLiveRegion component="p" title={t('roster.tooLarge')} />}
      <ProblemAlert problem={error ?? (isEmpty ? null : preview.error)} />
      {applied !== undefined && <Alert variant="success" isInline isLiveRegion component="p" title={t('roster.added', { count: fresh })} />}
      {applied !== undefined && <RosterTokens lines={applied.lines} />}
      {shown !== undefined && shown.counts.faults > 0 && <Alert variant="warning" isInline isLiveRegion component="p" title={t('roster.mend')} />}
      {shown !== undefined && <RosterTable roster={shown} />}
      <ActionGroup>
        {applied === undefined && <Button type="submit" isLoading={isPending} isDisabled={!mayApply}>{t('roster.add', { count: fresh })}</Button>}
        <LinkButton to={`/groups/${group.id}`} variant="link">{t(applied === undefined ? 'shell:cancel' : 'roster.back')}</LinkButton>
      </ActionGroup>
    </Form>
  );
}

/** What the master would make of the list; asked again when the feed tells that groups changed. */
function usePreview(group: Group, csv: string, isWanted: boolean): UseQueryResult<Roster, ApiProblem> {
  return useQuery<Roster, ApiProblem>({
    queryKey: ['groups', 'post /groups/:groupId/roster', group.id, csv],
    queryFn: ({ signal }) => call('post /groups/:groupId/roster', { params: { groupId: group.id }, body: { csv, apply: false } }, { signal }),
    enabled: isWanted && csv.trim() !== '',
    placeholderData: keepPreviousData,
    // A long list is no small thing to keep.
    gcTime: 0,
  });
}
