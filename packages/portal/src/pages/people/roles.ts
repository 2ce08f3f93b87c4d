import type { Role } from '@paravcl/shared/domain/people';

/** In rising order of what they may do. */
export const roles: readonly Role[] = ['student', 'teacher', 'operator', 'admin'];
