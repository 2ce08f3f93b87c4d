import type { ApiProblem } from '@paravcl/shared/client/api-problem';

/**
 * Whether an upload that met this may go on by itself: the connection broke (0), the master is restarting or has no room just now
 * (502, 503, 504, 507), asks for patience (429), or has not noticed yet that the last request ended (409).
 */
export const mayGoOnByItself = ({ status }: Pick<ApiProblem, 'status'>): boolean => [0, 409, 429, 502, 503, 504, 507].includes(status);
