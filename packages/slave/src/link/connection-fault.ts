/** What a failed connection means for whoever enrols, with the way out. */
export function connectionFault(master: URL, error: NodeJS.ErrnoException): Error {
  const unheard: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there. Is the master running, and is the port right (8443 by default)?',
    EAI_AGAIN: 'its name cannot be looked up. Is it spelt right, and does this host have a name server?',
    ENOTFOUND: 'there is no such name. Is it spelt right?',
    EHOSTUNREACH: 'there is no way there from this host. Is the network up?',
    ENETUNREACH: 'there is no way there from this host. Is the network up?',
    ETIMEDOUT: 'nobody answers. Does a firewall lie between?',
  };
  const why = unheard[error.code ?? ''];
  if (why !== undefined) return new Error(`The master at ${master.host} does not answer: ${why}`, { cause: error });
  if (error.code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new Error(`The certificate of ${master.host} is not made out to that name. Use the name or address the master was set up with.`, { cause: error });
  }
  return new Error(`${master.host} cannot be reached safely: ${error.message}`, { cause: error });
}
