import { ActionGroup, Alert, Button, FileUpload, Form, FormGroup, Progress } from '@patternfly/react-core';
import type { Group, User } from '@paravcl/shared/domain/people';
import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../../../api/call';
import { askEach } from '../class/ask-each';
import { LinkButton } from '../link-button';
import { rosterLines, type RosterLine } from './roster-lines';
import { RosterTable } from './roster-table';

const largestBytes = 256 * 1024;
const addedAtOnce = 4;

interface RosterFormProps {
  readonly group: Group;
  readonly members: readonly User[];
}

/** A list, pasted or out of a file; below it what each line comes to; then those that are new are added, and who was refused is told by line. */
export function RosterForm({ group, members }: RosterFormProps): ReactNode {
  const { t } = useTranslation('teach');
  const client = useQueryClient();
  const [csv, setCsv] = useState('');
  const [fileName, setFileName] = useState('');
  const [isTooLarge, setIsTooLarge] = useState(false);
  const [underWay, setUnderWay] = useState<{ readonly answered: number; readonly of: number } | null>(null);
  const [refused, setRefused] = useState<ReadonlyMap<string, string>>(new Map());
  const [added, setAdded] = useState<number | null>(null);
  const lines = useMemo(() => rosterLines(csv, new Set(members.map(({ name }) => name))), [csv, members]);
  const fresh = lines.filter(({ outcome }) => outcome === 'add');
  const change = (text: string): void => {
    setCsv(text);
    setRefused(new Map());
    setAdded(null);
    setIsTooLarge(false);
  };
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setUnderWay({ answered: 0, of: fresh.length });
    const answer = await askEach<RosterLine>(fresh, addedAtOnce, ({ userName }) => call('post /groups/:groupId/members', { params: { groupId: group.id }, body: { userName } }), (answered) => setUnderWay({ answered, of: fresh.length }));
    setRefused(new Map(answer.refused.map(({ thing, sentence }) => [thing.userName, sentence])));
    setAdded(answer.accepted.length);
    setUnderWay(null);
    await client.invalidateQueries({ queryKey: ['groups'] });
  };
  return (
    <Form onSubmit={(event) => void submit(event)} className="pv-teach-form">
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
          isDisabled={underWay !== null}
          onFileInputChange={(_event, file) => setFileName(file.name)}
          onDataChange={(_event, text) => change(text)}
          onTextChange={(_event, text) => change(text)}
          onClearClick={() => { setFileName(''); change(''); }}
          dropzoneProps={{ accept: { 'text/csv': ['.csv', '.txt'], 'text/plain': ['.csv', '.txt'] }, maxSize: largestBytes, onDropRejected: () => setIsTooLarge(true) }}
        />
        <p className="pv-teach-quiet">{t('roster.help')}</p>
      </FormGroup>
      {isTooLarge && <Alert variant="danger" isInline isLiveRegion component="p" title={t('roster.tooLarge')} />}
      {added !== null && <Alert variant={refused.size === 0 ? 'success' : 'warning'} isInline isLiveRegion component="p" title={`${t('roster.added', { count: added })} ${refused.size === 0 ? '' : t('roster.refused', { count: refused.size })}`} />}
      {lines.length > 0 && <RosterTable lines={lines} refused={refused} />}
      {underWay !== null && <Progress aria-label={t('roster.title')} value={underWay.answered} max={underWay.of} label={t('result.asked', underWay)} />}
      <ActionGroup>
        <Button type="submit" isLoading={underWay !== null} isDisabled={underWay !== null || fresh.length === 0}>{t('roster.add', { count: fresh.length })}</Button>
        <LinkButton to={`/groups/${group.id}`} variant="link">{t(added === null ? 'shell:cancel' : 'roster.back')}</LinkButton>
      </ActionGroup>
    </Form>
  );
}
