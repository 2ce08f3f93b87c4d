/** What we use of noVNC 1.7.0 (docs/API.md in its package), which brings no types. */
declare module '@novnc/novnc' {
  interface RfbEvents {
    connect: CustomEvent<undefined>;
    disconnect: CustomEvent<{ readonly clean: boolean }>;
    credentialsrequired: CustomEvent<{ readonly types: readonly string[] }>;
    securityfailure: CustomEvent<{ readonly status: number; readonly reason?: string }>;
    clipboard: CustomEvent<{ readonly text: string }>;
    desktopname: CustomEvent<{ readonly name: string }>;
  }

  export default class RFB {
    constructor(target: HTMLElement, channel: WebSocket, options?: { readonly shared?: boolean });
    scaleViewport: boolean;
    resizeSession: boolean;
    viewOnly: boolean;
    background: string;
    /** It says nothing that it does not know: names and events come as they are in `RfbEvents`. */
    addEventListener<Name extends keyof RfbEvents>(name: Name, listener: (event: RfbEvents[Name]) => void): void;
    sendKey(keysym: number, code: string, down?: boolean): void;
    focus(): void;
    clipboardPasteFrom(text: string): void;
    toDataURL(type: string, quality: number): string;
    disconnect(): void;
  }
}
