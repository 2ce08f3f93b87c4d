import type { RouteContract } from '@paravcl/shared/api/route';
import { ParavclError } from '@paravcl/shared/errors';
import type { RequestHandler } from 'express';

/** Answers what no route took: 405 with `Allow` when another method has this path, else 404. */
export function unknownRoute(contracts: readonly RouteContract[]): RequestHandler {
  return (request, response) => {
    const methods = [...new Set(contracts.filter((contract) => matches(contract.path, request.path)).map((contract) => contract.method.toUpperCase()))];
    if (methods.length === 0) throw new ParavclError('not-found', 'There is no such address in this API. See /api/v1/docs for those there are.');
    response.set('Allow', methods.join(', '));
    throw new ParavclError('method-not-allowed', `This address takes ${methods.join(', ')}, not ${request.method.slice(0, 20)}.`);
  };
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.replace(/\/$/, '').split('/');
  return wanted.length === given.length && wanted.every((part, i) => part.startsWith(':') || part === given[i]);
}
