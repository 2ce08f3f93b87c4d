import { Card, CardBody, CardHeader, CardTitle } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { tellMiB } from '../../states/sizes';
import type { Choice } from './choices';

interface ChoiceCardProps {
  readonly choice: Choice;
  readonly isChosen?: boolean;
  readonly onChoose: () => void;
  /** Where it is one of several, of which one is chosen. */
  readonly group?: string;
}

/** A template or an image to launch. */
export function ChoiceCard({ choice, isChosen = false, onChoose, group }: ChoiceCardProps): ReactNode {
  const { t } = useTranslation('launch');
  const sizes = choice.vcpus === null || choice.ramMiB === null ? t(`kind.${choice.kind}`) : `${t('cores', { count: choice.vcpus })} · ${tellMiB(choice.ramMiB)}`;
  const titleId = `choice-${choice.id}`;
  return (
    <Card isCompact isFullHeight isSelected={isChosen} {...(group === undefined ? { isClickable: true } : { isSelectable: true })}>
      <CardHeader selectableActions={group === undefined ? { onClickAction: onChoose, selectableActionAriaLabelledby: titleId } : { variant: 'single', name: group, onChange: onChoose, selectableActionAriaLabelledby: titleId, selectableActionId: `${titleId}-input` }}>
        <CardTitle component="h3" id={titleId}>{choice.name}</CardTitle>
      </CardHeader>
      <CardBody className="pv-lines">
        <p className="pv-quiet">{sizes}</p>
        {choice.description !== '' && <p className="pv-two-lines">{choice.description}</p>}
      </CardBody>
    </Card>
  );
}
