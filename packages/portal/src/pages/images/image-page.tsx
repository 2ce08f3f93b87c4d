import { Alert, Card, CardBody, CardTitle, DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm, Grid, GridItem, Label, PageSection } from '@patternfly/react-core';
import StarIcon from '@patternfly/react-icons/dist/esm/icons/star-icon';
import type { ImageAnswer } from '@paravcl/shared/api/images';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useParams } from 'react-router';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { tellMiB } from '../../states/sizes';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { PageHead } from '../../shell/page-head';
import { tellBytes } from './bytes';
import { ImageActions } from './image-actions';
import { ImageSlaves } from './image-slaves';
import { ImageStateLabel } from './image-state-label';
import { nounOf, type Noun } from './nouns';
import '../teach/teach.css';
import '../fleet/fleet.css';

const checkedEveryMs = 2_000;

/** One version: what it is, whether it is offered, and which hosts have it. */
export function ImagePage(): ReactNode {
  const { imageId = '' } = useParams();
  const noun = nounOf(useLocation().pathname);
  const image = useGet('images', `get /${noun}/:imageId`, { params: { imageId } }, { everyMs: 10 * checkedEveryMs });
  return <Read of={image}>{(found) => <ImageShown image={found} noun={noun} />}</Read>;
}

function ImageShown({ image, noun }: { readonly image: ImageAnswer; readonly noun: Noun }): ReactNode {
  const { t, i18n } = useTranslation('images');
  const times = useTimes(useSiteZone());
  const facts: readonly (readonly [string, ReactNode])[] = [
    [t('id'), image.friendlyId],
    [t('file'), t('fileSays', { format: image.format, size: tellBytes(image.sizeBytes) })],
    [t('content'), image.contentBytes === null ? t('notYet') : tellBytes(image.contentBytes)],
    ...(image.kind === 'disk'
      ? ([
          [t('disk'), image.virtualSizeMiB === null ? t('notYet') : tellMiB(image.virtualSizeMiB)],
          [t('boots'), image.bootSet?.sentence ?? t('bootsUnknown')],
          [t('defaults'), t('defaultsSay', { cores: image.defaultVcpus ?? t('asSite'), ram: image.defaultRamMiB === null ? t('asSite') : tellMiB(image.defaultRamMiB) })],
          [t('platformValue'), image.platformValue.toLocaleString(i18n.language)],
          [t('kernelArguments'), image.kernelArguments === '' ? t('nothing') : <code key="arguments">{image.kernelArguments}</code>],
        ] as const)
      : []),
    [t('seenBy'), t(`visibility.${image.visibility}`)],
    [t('sha256'), <code key="sha256" className="pv-fleet-command">{image.sha256 ?? t('notYet')}</code>],
    [t('made'), times.moment(image.createdAt)],
  ];
  return (
    <>
      <PageHead title={t('versionTitle', { name: image.familyName, version: image.version })} above={{ to: `/images?kind=${image.kind}`, words: t(`kind.${image.kind}`) }} actions={<ImageActions image={image} noun={noun} />}>
        <p className="pv-images-labels"><ImageStateLabel image={image} />{image.production && <Label isCompact color="purple" icon={<StarIcon />}>{t('production')}</Label>}</p>
        {image.description !== '' && <p>{image.description}</p>}
      </PageHead>
      <PageSection className="pv-fleet-stack">
        {image.reason !== null && <Alert variant="danger" isInline title={image.reason} component="p" />}
        <Grid hasGutter>
          <GridItem xl={7} className="pv-fleet-stack">{image.state !== 'uploading' && image.state !== 'checking' && <ImageSlaves imageId={image.id} />}</GridItem>
          <GridItem xl={5} className="pv-fleet-stack">
            <Card>
              <CardTitle component="h2">{t('about')}</CardTitle>
              <CardBody className="pv-fleet-stack">
                <DescriptionList isCompact orientation={{ sm: 'horizontal' }} horizontalTermWidthModifier={{ default: '9rem' }}>
                  {facts.map(([term, said]) => (
                    <DescriptionListGroup key={term}>
                      <DescriptionListTerm>{term}</DescriptionListTerm>
                      <DescriptionListDescription>{said}</DescriptionListDescription>
                    </DescriptionListGroup>
                  ))}
                </DescriptionList>
                {image.state !== 'uploading' && image.state !== 'checking' && <a href={`/api/v1/${noun}/${image.id}/content`} download>{t('download')}</a>}
              </CardBody>
            </Card>
          </GridItem>
        </Grid>
      </PageSection>
    </>
  );
}
