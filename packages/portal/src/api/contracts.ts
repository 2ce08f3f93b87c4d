import type { RouteContract } from '@paravcl/shared/api/route';
import type { z } from 'zod';

/** Files of `shared/api`, each with the routes of a noun. A new one is added here. */
type Files =
  | typeof import('@paravcl/shared/api/api-tokens')
  | typeof import('@paravcl/shared/api/capacity')
  | typeof import('@paravcl/shared/api/connections')
  | typeof import('@paravcl/shared/api/decisions')
  | typeof import('@paravcl/shared/api/deployments')
  | typeof import('@paravcl/shared/api/events')
  | typeof import('@paravcl/shared/api/groups')
  | typeof import('@paravcl/shared/api/homes')
  | typeof import('@paravcl/shared/api/image-families')
  | typeof import('@paravcl/shared/api/image-readiness')
  | typeof import('@paravcl/shared/api/images')
  | typeof import('@paravcl/shared/api/instances')
  | typeof import('@paravcl/shared/api/join-tokens')
  | typeof import('@paravcl/shared/api/monitoring')
  | typeof import('@paravcl/shared/api/notices')
  | typeof import('@paravcl/shared/api/operations')
  | typeof import('@paravcl/shared/api/pool')
  | typeof import('@paravcl/shared/api/public-mappings')
  | typeof import('@paravcl/shared/api/registrations')
  | typeof import('@paravcl/shared/api/reservations')
  | typeof import('@paravcl/shared/api/roster')
  | typeof import('@paravcl/shared/api/sessions')
  | typeof import('@paravcl/shared/api/setup')
  | typeof import('@paravcl/shared/api/site')
  | typeof import('@paravcl/shared/api/slaves')
  | typeof import('@paravcl/shared/api/snapshots')
  | typeof import('@paravcl/shared/api/ssh-gateway')
  | typeof import('@paravcl/shared/api/store')
  | typeof import('@paravcl/shared/api/templates')
  | typeof import('@paravcl/shared/api/usage')
  | typeof import('@paravcl/shared/api/users');

type ContractsOf<File> = File extends unknown ? { [Name in keyof File]: File[Name] extends RouteContract ? File[Name] : never }[keyof File] : never;
type Contract = ContractsOf<Files>;

/** A route as one writes it: `get /instances/:instanceId`. */
export type RouteKey = Contract extends infer C ? (C extends RouteContract ? `${C['method']} ${C['path']}` : never) : never;
export type GetKey = Extract<RouteKey, `get ${string}`>;

type Of<Key extends RouteKey> = Key extends `${infer Method} ${infer Path}` ? Extract<Contract, { readonly method: Method; readonly path: Path }> : never;

type Said<Schema> = Schema extends z.ZodType ? z.input<Schema> : never;
type Part<C, Name extends string> = C extends Readonly<Record<Name, z.ZodType>> ? (Record<string, never> extends Said<C[Name]> ? Readonly<Partial<Record<Name, Said<C[Name]>>>> : Readonly<Record<Name, Said<C[Name]>>>) : unknown;

/** What a route is asked with: the parameters of its path, its query, its body, by the contract's own types. */
export type Asked<Key extends RouteKey> = Part<Of<Key>, 'params'> & Part<Of<Key>, 'query'> & Part<Of<Key>, 'body'>;

/** What it answers; `undefined` where there is nothing to say. */
export type Answered<Key extends RouteKey> = Of<Key>['answer'] extends { readonly schema: infer Schema } ? (Schema extends z.ZodType ? z.output<Schema> : undefined) : undefined;
