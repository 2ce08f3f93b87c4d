import { imageStateSchema } from '@paravcl/shared/domain/image';
import { Option, type Command } from 'commander';
import type { Act } from '../act';
import type { Context } from '../context';
import { Refusal } from '../errors/refusal';
import { diskFamilies, groupNames, images, type ImageItem } from '../names/kinds';
import { find } from '../names/resolve';
import { line } from '../output/advice';
import { tellBytes, tellMiB } from '../output/sizes';
import { levelCell } from '../output/states';
import type { Cell, Column } from '../output/table';
import type { Times } from '../output/times';
import { examples } from './examples';
import { addImageUpload } from './images/upload';
import { manyOf } from './many';
import { sayDone } from './say-done';

export function addImages(program: Command, act: Act): void {
  const noun = program.command('images').alias('image').description('what machines are launched from');
  addLists(noun, act);
  addChanges(noun, act);
  addImageUpload(noun, act);
}

function addLists(noun: Command, act: Act): void {
  noun
    .command('list', { isDefault: true })
    .alias('ls')
    .description('images, newest first: the versions in production; all with --all')
    .option('--all', 'every version')
    .addOption(new Option('--state <state>', 'only versions in this state').choices(imageStateSchema.options))
    .option('--limit <number>', 'at most so many')
    .addHelpText('after', examples('images list', 'images list --all -o wide'))
    .action(
      act(async (context, { all = false, state, limit }: { readonly all?: boolean; readonly state?: string; readonly limit?: string }) => {
        const page = await context.list('get /images', { state }, manyOf(limit));
        if (context.output.json) return context.output.document(page);
        const shown = all || state !== undefined ? page.items : page.items.filter(({ production, state: its }) => production || its === 'uploading' || its === 'checking');
        context.output.table(columns(await context.times(), context.output.unicode), shown, 'There are no images yet. Upload one: paravcl images upload FILE');
      }),
    );

  noun
    .command('versions')
    .argument('<image-name>', 'of the image')
    .description('all versions of an image, newest first')
    .addHelpText('after', examples('images versions Ubuntu'))
    .action(
      act(async (context, said: string) => {
        const { id } = await find(context, diskFamilies, said);
        const page = await context.list('get /images', { familyId: id });
        if (context.output.json) return context.output.document(page);
        context.output.table(columns(await context.times(), context.output.unicode), page.items, 'There are no versions of it.');
      }),
    );

  noun
    .command('show')
    .argument('<image>', 'a friendly id, NAME:VERSION, an id, or a name: its production version')
    .description('one version of an image')
    .addHelpText('after', examples('images show Ubuntu', 'images show EMI-UBUNTU-9AF'))
    .action(
      act(async (context, said: string) => {
        const image = await versionOf(context, said);
        const { output } = context;
        if (output.json) return output.document(image);
        const [times, group] = await Promise.all([context.times(), groupNames(context)]);
        output.facts([
          ['id', image.friendlyId],
          ['image', `${image.familyName}, version ${String(image.version)}${image.production ? ', in production' : ''}`],
          ['state', stateOf(image, output.unicode)],
          ['why', image.reason],
          ['about', image.description],
          ['file', `${tellBytes(image.sizeBytes)}, ${image.format}`],
          ['arrived', image.state === 'uploading' ? tellBytes(image.receivedBytes) : null],
          ['disk', image.virtualSizeMiB === null ? null : tellMiB(image.virtualSizeMiB)],
          ['boots from', image.bootSet?.sentence ?? null],
          ['seen by', image.visibility === 'group' && image.ownerGroupId !== null ? group(image.ownerGroupId) : image.visibility],
          ['cores', image.defaultVcpus === null ? null : String(image.defaultVcpus)],
          ['RAM', image.defaultRamMiB === null ? null : tellMiB(image.defaultRamMiB)],
          ['SHA-256', image.sha256],
          ['made', times.moment(image.createdAt)],
          ['uuid', image.id],
          ['next', image.state === 'ready' ? line`paravcl instances launch ${image.friendlyId}` : null],
        ]);
      }),
    );
}

function addChanges(noun: Command, act: Act): void {
  noun
    .command('production')
    .argument('<version>', 'a friendly id or NAME:VERSION')
    .description('make it what launches of its image get from now on')
    .addHelpText('after', examples('images production EMI-UBUNTU-9AF', 'images production Ubuntu:3'))
    .action(
      act(async (context, said: string) => {
        const { id, familyId, familyName, version } = await find(context, images, said);
        const family = await context.call('put /image-families/:familyId/production', { params: { familyId }, body: { imageId: id } });
        sayDone(context, `Launches of ${familyName} get version ${String(version)} from now on.`, family);
      }),
    );

  for (const [verb, state, about, done] of [
    ['deprecate', 'deprecated', 'offer a version to no new launch of students and teachers', 'is offered to no new launch'],
    ['undeprecate', 'ready', 'offer a version again', 'is offered again'],
  ] as const) {
    noun
      .command(verb)
      .argument('<version>', 'a friendly id or NAME:VERSION')
      .description(about)
      .addHelpText('after', examples(`images ${verb} EMI-UBUNTU-9AF`))
      .action(
        act(async (context, said: string) => {
          const { id, friendlyId } = await find(context, images, said);
          const image = await context.call('patch /images/:imageId', { params: { imageId: id }, body: { state } });
          sayDone(context, `${friendlyId} ${done}.`, image);
        }),
      );
  }

  noun
    .command('delete')
    .argument('<version>', 'a friendly id or NAME:VERSION')
    .option('-y, --yes', 'do not ask')
    .description('delete a version that nothing depends on')
    .addHelpText('after', examples('images delete EMI-UBUNTU-9AF --yes'))
    .action(
      act(async (context, said: string, { yes = false }: { readonly yes?: boolean }) => {
        const { id, friendlyId, name, version } = await find(context, images, said);
        await context.questions.confirm(`Delete ${friendlyId} (${name}, version ${String(version)})? It cannot be had back.`, yes);
        await context.call('delete /images/:imageId', { params: { imageId: id } });
        sayDone(context, `${friendlyId} is deleted.`, { id, friendlyId });
      }),
    );
}

/** A version by what it is called, or the production version of an image of this name. */
export async function versionOf(context: Context, said: string): Promise<ImageItem> {
  const { items } = await context.list('get /images');
  const production = items.filter(({ production: is, name }) => is && name.toLowerCase() === said.toLowerCase());
  const [one] = production;
  if (one !== undefined && production.length === 1) return one;
  if (production.length > 1) throw new Refusal(`There are ${String(production.length)} images called "${said}". Say which by its friendly id.`, 'paravcl images list');
  return find(context, images, said);
}

function stateOf({ state, checkPercent, receivedBytes, sizeBytes }: ImageItem, unicode: boolean): Cell {
  if (state === 'ready') return levelCell('good', 'ready', unicode);
  if (state === 'uploading') return levelCell('waits', `arrives: ${String(Math.floor((receivedBytes / sizeBytes) * 100))} %`, unicode);
  if (state === 'checking') return levelCell('waits', `being checked${checkPercent === null ? '' : `: ${String(checkPercent)} %`}`, unicode);
  return levelCell('quiet', state, unicode);
}

function columns(times: Times, unicode: boolean): readonly Column<ImageItem>[] {
  return [
    { title: 'ID', cell: ({ friendlyId }) => friendlyId },
    { title: 'NAME', cell: ({ name }) => name },
    { title: 'VERSION', cell: ({ version, production }) => `${String(version)}${production ? ' (production)' : ''}` },
    { title: 'STATE', cell: (image) => stateOf(image, unicode) },
    { title: 'DISK', cell: ({ virtualSizeMiB, sizeBytes }) => (virtualSizeMiB === null ? tellBytes(sizeBytes) : tellMiB(virtualSizeMiB)), align: 'right' },
    { title: 'SEEN BY', cell: ({ visibility }) => visibility, wide: true },
    { title: 'FILE', cell: ({ sizeBytes, format }) => `${tellBytes(sizeBytes)} ${format}`, wide: true },
    { title: 'MADE', cell: ({ createdAt }) => times.moment(createdAt), wide: true },
    { title: 'UUID', cell: ({ id }) => id, wide: true },
    { title: 'ABOUT', cell: ({ reason, description }) => reason ?? description },
  ];
}
