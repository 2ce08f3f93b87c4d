import type { Role } from '@paravcl/shared/domain/people';
import { lazy } from 'react';
import type { Page } from '../../shell/page';

const roles: readonly Role[] = ['operator', 'admin'];
const ImagePage = lazy(async () => ({ default: (await import('./image-page')).ImagePage }));

export const imagesPages: readonly Page[] = [
  { path: '/images', component: lazy(async () => ({ default: (await import('./images-page')).ImagesPage })), nav: { words: 'images:nav.images', section: 'run' }, roles },
  { path: '/images/upload', component: lazy(async () => ({ default: (await import('./upload/upload-page')).UploadPage })), roles },
  { path: '/images/:imageId', component: ImagePage, roles },
  { path: '/kernels/:imageId', component: ImagePage, roles },
  { path: '/ramdisks/:imageId', component: ImagePage, roles },
  { path: '/store', component: lazy(async () => ({ default: (await import('./store-page')).StorePage })), roles },
];
