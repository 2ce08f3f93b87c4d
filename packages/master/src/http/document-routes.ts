import { getDocs, getDocsStyle, getOpenApi } from '@paravcl/shared/api/documents';
import type { RouteContract } from '@paravcl/shared/api/route';
import { bind, type BoundRoute } from './binding';
import { docsPage, docsStyle } from './docs-page';
import { openApiDocument } from './openapi';

/** The description of these contracts, for programs and for people, made at the first request. */
export function documentRoutes(others: readonly RouteContract[]): BoundRoute[] {
  const contracts = [...others, getOpenApi, getDocs, getDocsStyle];
  const document = once(() => openApiDocument(contracts));
  const json = once(() => Buffer.from(JSON.stringify(document())));
  // The page tells of the API, not of itself.
  const page = once(() => Buffer.from(docsPage(others, document())));
  const style = Buffer.from(docsStyle);
  return [
    bind(getOpenApi, () => Promise.resolve({ body: json() })),
    bind(getDocs, () => Promise.resolve({ body: page() })),
    bind(getDocsStyle, () => Promise.resolve({ body: style })),
  ];
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
