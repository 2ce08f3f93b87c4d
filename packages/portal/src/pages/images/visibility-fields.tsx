import { FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import { imageVisibilities } from './visibilities';
import type { ImageVisibility } from '@paravcl/shared/domain/image';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useAll } from '../../api/use-all';

interface VisibilityFieldsProps {
  readonly visibility: ImageVisibility;
  readonly onVisibility: (visibility: ImageVisibility) => void;
  readonly groupId: string;
  readonly onGroup: (groupId: string) => void;
}

/** Who sees and launches a version. */
export function VisibilityFields({ visibility, onVisibility, groupId, onGroup }: VisibilityFieldsProps): ReactNode {
  const { t, i18n } = useTranslation('images');
  const groups = useAll('groups', 'get /groups', {}, { enabled: visibility === 'group' });
  return (
    <>
      <FormGroup label={t('seenBy')} fieldId="image-visibility">
        <FormSelect id="image-visibility" value={visibility} onChange={(_event, next) => onVisibility(next as ImageVisibility)}>
          {imageVisibilities.map((each) => <FormSelectOption key={each} value={each} label={t(`visibility.${each}`)} />)}
        </FormSelect>
      </FormGroup>
      {visibility === 'group' && (
        <FormGroup label={t('group')} fieldId="image-group" isRequired>
          <FormSelect id="image-group" value={groupId} onChange={(_event, next) => onGroup(next)}>
            <FormSelectOption value="" label={t('chooseGroup')} isPlaceholder isDisabled />
            {[...(groups.data ?? [])].sort((a, b) => a.name.localeCompare(b.name, i18n.language)).map(({ id, name }) => <FormSelectOption key={id} value={id} label={name} />)}
          </FormSelect>
        </FormGroup>
      )}
    </>
  );
}
