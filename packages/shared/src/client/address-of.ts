const prefix = '/api/v1';

/** What an address is made of: the parameters that a path names with a colon, and a query. */
export interface AddressParts {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
}

/** The address of a route below the master, with its path filled in: `/api/v1/instances/…?limit=20`. */
export function addressOf(path: string, { params = {}, query = {} }: AddressParts): string {
  const filled = path.replace(/:(\w+)/g, (_match, name: string) => encodeURIComponent(String(params[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== null) search.set(name, String(value));
  const text = search.toString();
  return `${prefix}${filled}${text === '' ? '' : `?${text}`}`;
}
