import { Button, Form, FormGroup, FormSelect, FormSelectOption, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { ImageAnswer } from '@paravcl/shared/api/images';
import type { ImageVisibility } from '@paravcl/shared/domain/image';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { ProblemAlert } from '../../states/problem-alert';
import { TextField } from '../../states/text-field';
import { defaultsTyped, textsOfDefaults } from './defaults-typed';
import type { Noun } from './nouns';
import { VisibilityFields } from './visibility-fields';

interface ImageFormProps {
  readonly image: ImageAnswer;
  readonly noun: Noun;
  readonly onClose: () => void;
}

/** What is said of a version, who sees it, and how it boots. Its content never changes. */
export function ImageForm({ image, noun, onClose }: ImageFormProps): ReactNode {
  const { t, i18n } = useTranslation('images');
  const [name, setName] = useState(image.name);
  const [description, setDescription] = useState(image.description);
  const [visibility, setVisibility] = useState<ImageVisibility>(image.visibility);
  const [groupId, setGroupId] = useState(image.ownerGroupId ?? '');
  const [defaults, setDefaults] = useState(textsOfDefaults(image));
  const editDisk = useDo('patch /images/:imageId', ['images', 'templates']);
  const editOther = useDo(`patch /${noun}/:imageId`, ['images', 'templates']);
  const isDisk = noun === 'images';
  const { isPending, error } = isDisk ? editDisk : editOther;
  const typed = defaultsTyped(defaults);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const params = { imageId: image.id };
    const body = { name, description, visibility, ownerGroupId: groupId === '' ? null : groupId };
    if (!isDisk) editOther.mutate({ params, body }, { onSuccess: onClose });
    else if (typed !== null) editDisk.mutate({ params, body: { ...body, ...typed } }, { onSuccess: onClose });
  };
  const faultOf = (field: string): string | null => error?.faultOf(field) ?? null;
  const shown = ['name', 'description', 'defaultVcpus', 'defaultRamMiB', 'platformValue', 'kernelArguments'];
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby="image-form-title">
      <ModalHeader title={t('editTitle', { name: image.familyName, version: image.version })} labelId="image-form-title" />
      <ModalBody>
        <Form id="image-form" onSubmit={submit}>
          <TextField label={t('name')} value={name} onChange={setName} isRequired autoFocus fault={faultOf('name')} />
          <TextField label={t('description')} value={description} onChange={setDescription} rows={3} fault={faultOf('description')} />
          <VisibilityFields visibility={visibility} onVisibility={setVisibility} groupId={groupId} onGroup={setGroupId} />
          {isDisk && (
            <>
              <TextField label={t('defaultVcpus')} type="number" value={defaults.vcpus} onChange={(vcpus) => setDefaults({ ...defaults, vcpus })} help={t('emptyAsSite')} fault={faultOf('defaultVcpus')} />
              <TextField label={t('defaultRam')} type="number" value={defaults.ramMiB} onChange={(ramMiB) => setDefaults({ ...defaults, ramMiB })} help={t('emptyAsSite')} fault={faultOf('defaultRamMiB')} />
              <FormGroup label={t('platformValue')} fieldId="image-platform">
                <FormSelect id="image-platform" value={defaults.platformValue} onChange={(_event, platformValue) => setDefaults({ ...defaults, platformValue })}>
                  {[...new Set(['0', '1', '2', '3', '4', '5', defaults.platformValue])].map((each) => <FormSelectOption key={each} value={each} label={Number(each).toLocaleString(i18n.language)} />)}
                </FormSelect>
              </FormGroup>
              <TextField label={t('kernelArguments')} value={defaults.kernelArguments} onChange={(kernelArguments) => setDefaults({ ...defaults, kernelArguments })} fault={faultOf('kernelArguments')} />
            </>
          )}
          {shown.every((field) => faultOf(field) === null) && <ProblemAlert problem={error} />}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="image-form" isLoading={isPending} isDisabled={isPending || name.trim() === '' || typed === null || (visibility === 'group' && groupId === '')}>{t('save')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
