import type { paths } from './openapi';

type Method = 'get' | 'post' | 'patch' | 'put' | 'delete';

/** `/instances/{instanceId}` of the document as our routes are written: `/instances/:instanceId`. */
type Colons<Path extends string> = Path extends `${infer Before}{${infer Name}}${infer After}` ? `${Before}:${Name}${Colons<After>}` : Path;
/** Back again. */
type Braces<Path extends string> = Path extends `${infer Before}:${infer Name}/${infer After}` ? `${Before}{${Name}}/${Braces<After>}` : Path extends `${infer Before}:${infer Name}` ? `${Before}{${Name}}` : Path;

type KeysOf<Path extends keyof paths> = { [M in Method]: NonNullable<paths[Path][M]> extends never ? never : `${M} ${Colons<Path>}` }[Method];

/** A route as one writes it: `get /instances/:instanceId`. */
export type RouteKey = { [Path in keyof paths]: KeysOf<Path> }[keyof paths];
export type GetKey = Extract<RouteKey, `get ${string}`>;

type Operation<Key extends RouteKey> = Key extends `${infer M} ${infer Path}` ? (Braces<Path> extends infer P extends keyof paths ? NonNullable<paths[P][M & Method]> : never) : never;

/** A part of a request by its name here; may be left out where nothing in it must be said. */
type Part<Name extends string, Said> = [Said] extends [never] ? unknown : Record<string, never> extends Said ? Readonly<Partial<Record<Name, Said>>> : Readonly<Record<Name, Said>>;

type ParametersIn<O, Where extends string> = O extends { readonly parameters: Readonly<Partial<Record<Where, infer Said>>> } ? Exclude<Said, undefined> : never;
type JsonBody<O> = O extends { readonly requestBody?: infer Body } ? (NonNullable<Body> extends { readonly content: { readonly 'application/json': infer Said } } ? Said : never) : never;

/** What may be left out may also be said to be `undefined`. */
type MayBeUndefined<Said> = [Said] extends [never] ? never : { readonly [Name in keyof Said]: Record<string, never> extends Pick<Said, Name> ? Said[Name] | undefined : Said[Name] };

/** What a route is asked with: the parameters of its path, its query, its body. */
export type Asked<Key extends RouteKey> = Part<'params', ParametersIn<Operation<Key>, 'path'>> & Part<'query', MayBeUndefined<ParametersIn<Operation<Key>, 'query'>>> & Part<'body', MayBeUndefined<JsonBody<Operation<Key>>>>;

/** Of each in turn, where a request may be one of several. */
type Success<O> = O extends { readonly responses: infer Answers } ? { [Status in keyof Answers]: Status extends 200 | 201 | 202 ? Answers[Status] : never }[keyof Answers] : never;
type Json<Response> = Response extends { readonly content: { readonly 'application/json': infer Said } } ? Said : undefined;

/** What it answers; `undefined` where there is nothing to say, or no JSON. */
export type Answered<Key extends RouteKey> = [Success<Operation<Key>>] extends [never] ? undefined : Json<Success<Operation<Key>>>;
