import { readFile } from 'node:fs/promises';
import type { ImageStoreOptions } from '../config-images';
import { DirectoryBackend } from './directory-backend';
import type { ObjectBackend } from './object-backend';
import { S3Backend } from './s3-backend';

/** Where the configuration puts the chunk store; `directory` is the one for a store on this machine. Throws when the secret's file cannot be read or is empty. */
export async function backendOf(options: ImageStoreOptions, directory: string): Promise<ObjectBackend> {
  if (options.backend === 'directory') return new DirectoryBackend(directory);
  const { endpoint, bucket, region, accessKeyId, secretKeyFile } = options;
  const secretKey = (await readFile(secretKeyFile, 'utf8')).trim();
  if (secretKey === '') throw new Error(`${secretKeyFile} (images.store.secretKeyFile) is empty: write the secret key of ${accessKeyId} into it.`);
  return new S3Backend({ endpoint, bucket, region, accessKeyId, secretKey });
}
