import type { Kind } from './resolve';

export const notices: Kind<'get /notices'> = { key: 'get /notices', noun: 'notice', list: 'paravcl notices list -o wide', as: ({ id, sentence }) => ({ id, names: [], more: sentence }) };
