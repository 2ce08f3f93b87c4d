/** One file of what a host gets. */
export interface AgentPackageFile {
  /** Below `/opt/paravcl/releases/ID/`, with slashes. */
  readonly path: string;
  /** Of its content, in hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Of its permissions on the host. */
  readonly mode: number;
  /** Where it lies on this machine. */
  readonly source: string;
}

/** What a host gets: the agent in one file, its Node, units and AppArmor rules. */
export interface AgentPackage {
  /** Name of the release: the first 16 hex digits of the SHA-256 of the manifest. */
  readonly id: string;
  /** In the order of the manifest, which is not among them. */
  readonly files: readonly AgentPackageFile[];
  /** Lines `sha256  path`, as `sha256sum --check` reads them. */
  readonly manifest: string;
}
