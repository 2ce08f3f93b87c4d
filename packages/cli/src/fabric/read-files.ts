import { readSmallFile, UnfitFile } from '../files/plain-file';
import { openImageFile, type ImageFile } from '../upload/image-file';
import { inOrder, shown, type FileFault } from './file-fault';
import { readFlavorFile, type Flavor } from './read-flavor-file';
import { readImageFile, type ListedImage } from './read-image-file';
import { readPmFile, type Machine } from './read-pm-file';
import { mostBytes } from './text-file';

/** An image whose header was looked at. Close its file. */
export interface FoundImage extends ListedImage, ImageFile {}

/** What the three files say. */
export interface FabricFiles {
  readonly machines: readonly Machine[];
  readonly images: readonly FoundImage[];
  readonly flavors: readonly Flavor[];
  /** Of all three; with any, nothing is done. */
  readonly faults: readonly FileFault[];
}

/** Reads all three, and looks at the header of every image: what the master would refuse is a fault of its line. */
export async function readFabricFiles(pmFile: string, imageFile: string, flavorFile: string): Promise<FabricFiles> {
  const [{ machines, faults: ofMachines }, { images: listed, faults: ofImages }, { flavors, faults: ofFlavors }] = await Promise.all([
    read(pmFile, readPmFile, { machines: [] as readonly Machine[] }),
    read(imageFile, readImageFile, { images: [] as readonly ListedImage[] }),
    read(flavorFile, readFlavorFile, { flavors: [] as readonly Flavor[] }),
  ]);
  const images: FoundImage[] = [];
  const unfit: FileFault[] = [];
  for (const each of listed) {
    try {
      images.push({ ...each, ...(await openImageFile(each.path, null)) });
    } catch (error) {
      if (!(error instanceof UnfitFile)) throw error;
      unfit.push({ file: imageFile, line: each.line, sentence: `${shown(each.path)} ${error.message.replace(/\.$/, '')}.` });
    }
  }
  return { machines, images, flavors, faults: [...ofMachines, ...inOrder([...ofImages, ...unfit]), ...ofFlavors] };
}

interface WithFaults {
  readonly faults: readonly FileFault[];
}

/** What a file says by its reader; `nothing`, and a fault, where it cannot be read. */
async function read<T>(file: string, reader: (file: string, bytes: Buffer) => T & WithFaults, nothing: T): Promise<T & WithFaults> {
  try {
    return reader(file, await readSmallFile(file, mostBytes));
  } catch (error) {
    if (!(error instanceof UnfitFile)) throw error;
    return { ...nothing, faults: [{ file, line: 1, sentence: `the file cannot be read: it ${error.message.replace(/([^?.])$/, '$1.')}` }] };
  }
}
