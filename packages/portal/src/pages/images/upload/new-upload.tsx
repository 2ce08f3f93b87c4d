import { ActionGroup, Button, Form, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { ImageFormat, ImageKind, ImageVisibility } from '@paravcl/shared/domain/image';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../../../api/call';
import { ProblemAlert } from '../../../states/problem-alert';
import { TextField } from '../../../states/text-field';
import { useAll } from '../../../api/use-all';
import { kinds, nouns } from '../nouns';
import { VisibilityFields } from '../visibility-fields';
import { FileField } from './file-field';
import { formatOf } from './format-of';
import { UploadProgress } from './upload-progress';
import { useUpload } from './use-upload';

/** A new image, or the next version of a family. What is not said here is as its newest version has it. */
export function NewUpload({ kind, onKind }: { readonly kind: ImageKind; /** Another kind is chosen, which begins the form anew. */ readonly onKind: (kind: ImageKind) => void }): ReactNode {
  const { t, i18n } = useTranslation('images');
  const noun = nouns[kind];
  const families = useAll('images', 'get /image-families', { query: { kind } });
  const [file, setFile] = useState<File | null>(null);
  const [familyId, setFamilyId] = useState('');
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [format, setFormat] = useState<ImageFormat>('qcow2');
  const [visibility, setVisibility] = useState<ImageVisibility>('public');
  const [groupId, setGroupId] = useState('');
  const { upload, imageId, begin, goOn, pause } = useUpload(noun);
  const isNewFamily = familyId === '';
  const fault = (field: string): string | null => (upload.step === 'refused' ? upload.problem.faultOf(field) : null);
  const choose = (next: File | null): void => {
    setFile(next);
    if (next === null) return;
    if (name === '') setName(next.name.replace(/\.[^.]*$/, ''));
    setFormat(formatOf(next.name));
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (file === null) return;
    begin(file, (sha256) => {
      const about = { sha256, sizeBytes: file.size, description, ...(isNewFamily ? { name, visibility, ownerGroupId: groupId === '' ? null : groupId } : { familyId }) };
      if (kind === 'disk') return call('post /images', { body: { ...about, format } });
      return kind === 'kernel' ? call('post /kernels', { body: about }) : call('post /ramdisks', { body: about });
    });
  };
  const isIdle = upload.step === 'none' || (upload.step === 'refused' && imageId === null);
  if (!isIdle && file !== null) return <UploadProgress noun={noun} file={file} upload={upload} imageId={imageId} onPause={pause} onGoOn={() => imageId !== null && goOn(file, imageId)} />;
  return (
    <Form onSubmit={submit}>
      <FormGroup label={t('upload.what')} fieldId="upload-kind">
        <FormSelect id="upload-kind" value={kind} onChange={(_event, next) => onKind(next as ImageKind)}>
          {kinds.map((each) => <FormSelectOption key={each} value={each} label={t(`upload.kind.${each}`)} />)}
        </FormSelect>
      </FormGroup>
      <FileField file={file} onFile={choose} hint={t(`upload.hint.${kind}`)} fault={fault('sizeBytes')} />
      {kind === 'disk' && (
        <FormGroup label={t('upload.format')} fieldId="upload-format">
          <FormSelect id="upload-format" value={format} onChange={(_event, next) => setFormat(next as ImageFormat)}>
            <FormSelectOption value="qcow2" label="qcow2" />
            <FormSelectOption value="raw" label={t('upload.raw')} />
          </FormSelect>
        </FormGroup>
      )}
      <FormGroup label={t('upload.family')} fieldId="upload-family">
        <FormSelect id="upload-family" value={familyId} onChange={(_event, next) => setFamilyId(next)}>
          <FormSelectOption value="" label={t('upload.newFamily')} />
          {[...(families.data ?? [])].sort((a, b) => a.name.localeCompare(b.name, i18n.language)).map((family) => <FormSelectOption key={family.id} value={family.id} label={t('upload.nextOf', { name: family.name })} />)}
        </FormSelect>
      </FormGroup>
      {isNewFamily && <TextField label={t('name')} value={name} onChange={setName} isRequired fault={fault('name')} />}
      <TextField label={t('description')} value={description} onChange={setDescription} rows={2} fault={fault('description')} />
      {isNewFamily && <VisibilityFields visibility={visibility} onVisibility={setVisibility} groupId={groupId} onGroup={setGroupId} />}
      {upload.step === 'refused' && <ProblemAlert problem={upload.problem} />}
      <ActionGroup>
        <Button type="submit" isDisabled={file === null || file.size === 0 || (isNewFamily && (name.trim() === '' || (visibility === 'group' && groupId === '')))}>{t('upload.begin')}</Button>
      </ActionGroup>
    </Form>
  );
}
