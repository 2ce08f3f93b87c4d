import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { EpochMs } from '@paravcl/shared/clock';
import type { ImageFormat, ImageKind, ImageState, ImageVisibility } from '@paravcl/shared/domain/image';
import type { Knex } from 'knex';

/** One version of a family. */
export interface ImageRecord {
  readonly id: string;
  readonly familyId: string;
  readonly familyName: string;
  readonly version: number;
  /** It is what a launch of its family gets. */
  readonly production: boolean;
  readonly visibility: ImageVisibility;
  readonly friendlyId: string;
  readonly kind: ImageKind;
  readonly name: string;
  readonly description: string;
  readonly format: ImageFormat;
  /** Of the file as uploaded. */
  readonly sizeBytes: number;
  /** Of the file as uploaded; null while a file of the server is read in. */
  readonly sha256: string | null;
  /** The file of the server that is read in, while that goes on. */
  readonly importPath: string | null;
  /** Its content in chunks; null until it is ready, and for images of earlier releases until they are taken. */
  readonly manifestId: ManifestId | null;
  /** Of the whole raw content. */
  readonly contentSha256: string | null;
  readonly contentBytes: number | null;
  readonly checkPercent: number | null;
  readonly virtualSizeMiB: number | null;
  readonly state: ImageState;
  readonly reason: string | null;
  readonly defaultKernelId: string | null;
  readonly defaultRamdiskId: string | null;
  readonly defaultVcpus: number | null;
  readonly defaultRamMiB: number | null;
  /** Least speed of hosts that run it; null or absent: any. */
  readonly minSpeed?: number | null | undefined;
  readonly kernelArguments: string;
  readonly platformValue: number;
  readonly ownerGroupId: string | null;
  readonly createdByUserId: string;
  readonly createdAt: EpochMs;
  /** It is the disk of that instance, or what that home volume holds, for it alone; null of all that people know as images. */
  readonly ofInstanceId: string | null;
}

/** What is written of a new one; the rest is its family's. */
export type NewImageRecord = Omit<ImageRecord, 'familyName' | 'production' | 'ofInstanceId'>;

/** What a check found its content to be. */
export type ImageContentFacts = Pick<ImageRecord, 'manifestId' | 'contentSha256' | 'contentBytes' | 'virtualSizeMiB'>;

/** What may be changed of a version. */
export type ImageChange = {
  readonly [Field in
    | 'name' | 'description' | 'visibility' | 'ownerGroupId' | 'defaultKernelId' | 'defaultRamdiskId' | 'defaultVcpus' | 'defaultRamMiB' | 'minSpeed' | 'kernelArguments'
    | 'platformValue' | 'state']?: ImageRecord[Field] | undefined;
};

/** As it lies in the table `images`. */
export interface ImageRow {
  readonly id: string;
  readonly friendly_id: string;
  readonly kind: ImageKind;
  readonly name: string;
  readonly description: string;
  readonly format: ImageFormat;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly virtual_size_mib: number | null;
  readonly state: ImageState;
  readonly reason: string | null;
  readonly default_kernel_id: string | null;
  readonly default_ramdisk_id: string | null;
  readonly default_vcpus: number | null;
  readonly default_ram_mib: number | null;
  readonly min_speed: number | null;
  readonly kernel_arguments: string;
  readonly platform_value: number;
  readonly owner_group_id: string | null;
  readonly created_by_user_id: string;
  readonly created_at: Date;
  readonly family_id: string;
  readonly version: number;
  readonly visibility: ImageVisibility;
  readonly manifest_id: string | null;
  readonly content_sha256: string | null;
  readonly content_bytes: number | null;
  readonly check_percent: number | null;
  readonly import_path: string | null;
  readonly of_instance_id: string | null;
  readonly of_volume_id: string | null;
}

/** What stands beside it of its family. */
export interface FamilyColumns {
  readonly family_name: string | null;
  readonly production_image_id: string | null;
}

const columns = [
  'id', 'friendly_id', 'kind', 'name', 'description', 'format', 'size_bytes', 'sha256', 'virtual_size_mib', 'state', 'reason', 'default_kernel_id',
  'default_ramdisk_id', 'default_vcpus', 'default_ram_mib', 'min_speed', 'kernel_arguments', 'platform_value', 'owner_group_id', 'created_by_user_id', 'created_at',
  'family_id', 'version', 'visibility', 'manifest_id', 'content_sha256', 'content_bytes', 'check_percent', 'import_path', 'of_instance_id', 'of_volume_id',
] as const satisfies readonly (keyof ImageRow)[];

export const imageFromRow = (row: ImageRow & FamilyColumns): ImageRecord => ({
  id: row.id,
  familyId: row.family_id,
  familyName: row.family_name ?? row.name,
  version: row.version,
  production: row.production_image_id === row.id,
  visibility: row.visibility,
  friendlyId: row.friendly_id,
  kind: row.kind,
  name: row.name,
  description: row.description,
  format: row.format,
  sizeBytes: Number(row.size_bytes),
  // The column takes no NULL: nothing is known yet.
  sha256: row.sha256 === '' ? null : row.sha256,
  importPath: row.import_path,
  manifestId: row.manifest_id,
  contentSha256: row.content_sha256,
  contentBytes: row.content_bytes === null ? null : Number(row.content_bytes),
  checkPercent: row.check_percent,
  virtualSizeMiB: row.virtual_size_mib === null ? null : Number(row.virtual_size_mib),
  state: row.state,
  reason: row.reason,
  defaultKernelId: row.default_kernel_id,
  defaultRamdiskId: row.default_ramdisk_id,
  defaultVcpus: row.default_vcpus,
  defaultRamMiB: row.default_ram_mib,
  ...(row.min_speed === null ? {} : { minSpeed: row.min_speed }),
  kernelArguments: row.kernel_arguments,
  platformValue: Number(row.platform_value),
  ownerGroupId: row.owner_group_id,
  createdByUserId: row.created_by_user_id,
  createdAt: row.created_at.getTime(),
  ofInstanceId: row.of_instance_id ?? row.of_volume_id,
});

/** Every version, beside its family; for a `where`. */
export function imageRows(db: Knex): Knex.QueryBuilder<ImageRow & FamilyColumns, (ImageRow & FamilyColumns)[]> {
  return db('images')
    .leftJoin('image_families', 'image_families.id', 'images.family_id')
    .select(...columns.map((column) => `images.${column}`), 'image_families.name as family_name', 'image_families.production_image_id as production_image_id') as Knex.QueryBuilder<
    ImageRow & FamilyColumns,
    (ImageRow & FamilyColumns)[]
  >;
}

export function oneImage(rows: readonly (ImageRow & FamilyColumns)[]): ImageRecord | null {
  return rows[0] === undefined ? null : imageFromRow(rows[0]);
}

/** Of the columns of its content those that are to be written. */
export function contentColumns({ manifestId, contentSha256, contentBytes, virtualSizeMiB }: Partial<ImageContentFacts>): Partial<ImageRow> {
  return {
    ...(manifestId === undefined ? {} : { manifest_id: manifestId }),
    ...(contentSha256 === undefined ? {} : { content_sha256: contentSha256 }),
    ...(contentBytes === undefined ? {} : { content_bytes: contentBytes }),
    ...(virtualSizeMiB === undefined ? {} : { virtual_size_mib: virtualSizeMiB }),
  };
}

/** Of the columns that may be changed those that are to be written. */
export function changedColumns(change: ImageChange): Partial<ImageRow> {
  return {
    ...(change.name === undefined ? {} : { name: change.name }),
    ...(change.description === undefined ? {} : { description: change.description }),
    ...(change.visibility === undefined ? {} : { visibility: change.visibility }),
    ...(change.ownerGroupId === undefined ? {} : { owner_group_id: change.ownerGroupId }),
    ...(change.defaultKernelId === undefined ? {} : { default_kernel_id: change.defaultKernelId }),
    ...(change.defaultRamdiskId === undefined ? {} : { default_ramdisk_id: change.defaultRamdiskId }),
    ...(change.defaultVcpus === undefined ? {} : { default_vcpus: change.defaultVcpus }),
    ...(change.defaultRamMiB === undefined ? {} : { default_ram_mib: change.defaultRamMiB }),
    ...(change.minSpeed === undefined ? {} : { min_speed: change.minSpeed }),
    ...(change.kernelArguments === undefined ? {} : { kernel_arguments: change.kernelArguments }),
    ...(change.platformValue === undefined ? {} : { platform_value: change.platformValue }),
    ...(change.state === undefined ? {} : { state: change.state }),
  };
}
