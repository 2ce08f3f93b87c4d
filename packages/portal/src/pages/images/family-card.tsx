import { Button, Card, CardBody, CardHeader, CardTitle, Label } from '@patternfly/react-core';
import StarIcon from '@patternfly/react-icons/dist/esm/icons/star-icon';
import type { ImageAnswer } from '@paravcl/shared/api/images';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { LinkButton } from '../../shell/link-button';
import { tellBytes } from './bytes';
import type { FamilyShown } from './families-of';
import { FamilyForm } from './family-form';
import { ImageStateLabel } from './image-state-label';
import { nouns } from './nouns';
import { ProductionQuestion } from './production-question';

/** A family with its versions, newest first. */
export function FamilyCard({ family }: { readonly family: FamilyShown }): ReactNode {
  const { t } = useTranslation('images');
  const times = useTimes(useSiteZone());
  const [isEditing, setIsEditing] = useState(false);
  const [chosen, setChosen] = useState<ImageAnswer | null>(null);
  const hasProduction = family.versions.some(({ production }) => production);
  return (
    <Card>
      <CardHeader actions={{ actions: <Button variant="link" size="sm" onClick={() => setIsEditing(true)} aria-label={t('family.editOf', { name: family.name })}>{t('edit')}</Button>, hasNoOffset: true }}>
        <CardTitle component="h2">{family.name}</CardTitle>
      </CardHeader>
      <CardBody>
        {!hasProduction && <p>{t('family.noProduction')}</p>}
        <Table aria-label={t('family.versions', { name: family.name })} variant="compact" gridBreakPoint="grid-lg">
          <Thead>
            <Tr><Th width={45}>{t('version')}</Th><Th>{t('stateTitle')}</Th><Th>{t('size')}</Th><Th>{t('made')}</Th><Th screenReaderText={t('actions')} /></Tr>
          </Thead>
          <Tbody>
            {family.versions.map((image) => (
              <Tr key={image.id}>
                <Td dataLabel={t('version')} modifier="breakWord">
                  <Link to={`/${nouns[image.kind]}/${image.id}`}>{t('versionOf', { version: image.version })}</Link> <span className="pv-quiet">{t('idSeenBy', { id: image.friendlyId, who: t(`visibility.${image.visibility}`) })}</span>
                  {image.description !== '' && <div className="pv-quiet pv-two-lines">{image.description}</div>}
                  {image.reason !== null && <div>{image.reason}</div>}
                </Td>
                <Td dataLabel={t('stateTitle')}><span className="pv-images-labels"><ImageStateLabel image={image} />{image.production && <Label isCompact color="purple" icon={<StarIcon />}>{t('production')}</Label>}</span></Td>
                <Td dataLabel={t('size')} modifier="nowrap">{tellBytes(image.contentBytes ?? image.sizeBytes)}</Td>
                <Td dataLabel={t('made')}>{times.moment(image.createdAt)}</Td>
                <Td modifier="fitContent">
                  {image.state === 'uploading' && <LinkButton to={`/images/upload?kind=${image.kind}&imageId=${image.id}`} variant="secondary" size="sm">{t('upload.goOn')}</LinkButton>}
                  {image.state === 'ready' && !image.production && <Button variant="secondary" size="sm" onClick={() => setChosen(image)} aria-label={t('putOf', { name: family.name, version: image.version })}>{t('put')}</Button>}
                </Td>
              </Tr>
            ))}
          </Tbody>
        </Table>
      </CardBody>
      {isEditing && <FamilyForm familyId={family.id} onClose={() => setIsEditing(false)} />}
      {chosen !== null && <ProductionQuestion image={chosen} onClose={() => setChosen(null)} />}
    </Card>
  );
}
