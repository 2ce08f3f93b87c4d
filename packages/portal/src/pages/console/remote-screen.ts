import RFB from '@novnc/novnc';
import type { Viewer } from './console-door';
import type { Key } from './key-chords';
import type { Stroke } from './keyboard-layouts';
import type { ScreenSettings } from './screen-settings';
import { typeStrokes } from './type-strokes';

export interface ScreenEvents {
  /** The first picture comes. */
  connected(): void;
  /** The guest's end speaks no RFB that we may use. */
  unusable(sentence: string | null): void;
  /** Somebody copied text in the guest, which tells us. */
  copied(text: string): void;
  /** It ends; what was last to be seen, as a picture. */
  ended(lastPicture: string | null): void;
}

const held: Readonly<Record<Stroke['held'][number], number>> = { ShiftLeft: 0xffe1, AltRight: 0xfe03 };

/** A machine's screen in an element of the page: noVNC on a socket that is open already. Loaded with its page only. */
export class RemoteScreen implements Viewer {
  private readonly rfb: RFB;
  private connected = false;

  constructor(
    private readonly host: HTMLElement,
    socket: WebSocket,
    settings: ScreenSettings,
    private readonly events: ScreenEvents,
  ) {
    this.rfb = new RFB(host, socket, { shared: true });
    this.rfb.background = 'transparent';
    this.apply(settings);
    const canvas = host.querySelector('canvas');
    // noVNC leaves it out of the order of Tab, from where one could then not come to it.
    if (canvas !== null) canvas.tabIndex = 0;
    // Keys that are held when the focus leaves would be held in the guest for ever; noVNC releases them when the window loses the focus.
    canvas?.addEventListener('blur', () => window.dispatchEvent(new Event('blur')));
    this.rfb.addEventListener('connect', () => {
      this.connected = true;
      events.connected();
    });
    this.rfb.addEventListener('credentialsrequired', () => events.unusable(null));
    this.rfb.addEventListener('securityfailure', ({ detail }) => events.unusable(detail.reason ?? null));
    this.rfb.addEventListener('clipboard', ({ detail }) => events.copied(detail.text));
  }

  apply({ scaling, viewOnly }: ScreenSettings): void {
    // Where the machine cannot change its screen, it is at least seen as a whole.
    this.rfb.scaleViewport = scaling !== 'exact';
    this.rfb.resizeSession = scaling === 'resize';
    this.rfb.viewOnly = viewOnly;
  }

  focus(): void {
    this.rfb.focus();
  }

  press(keys: readonly Key[]): void {
    for (const { keysym, code } of keys) this.rfb.sendKey(keysym, code, true);
    for (const { keysym, code } of [...keys].reverse()) this.rfb.sendKey(keysym, code, false);
  }

  stroke({ keysym, code, held: modifiers }: Stroke): void {
    this.press([...modifiers.map((modifier) => ({ code: modifier, keysym: held[modifier] })), { keysym, code }]);
  }

  /** Types slowly enough for a guest; `typed` is told now and then how many keys it were. Stops when it is aborted or the screen has ended. Returns how many were typed. */
  type(strokes: readonly Stroke[], typed: (count: number) => void, stop: AbortSignal): Promise<number> {
    const stroke = (each: Stroke): boolean => {
      if (this.connected) this.stroke(each);
      return this.connected;
    };
    return typeStrokes(strokes, { stroke, typed, stop, pause: (ms) => new Promise((resolve) => window.setTimeout(resolve, ms)) });
  }

  /** For a guest whose agent takes the clipboard; others do not notice. */
  giveClipboard(text: string): void {
    this.rfb.clipboardPasteFrom(text);
  }

  end(): void {
    const picture = this.connected ? this.rfb.toDataURL('image/jpeg', 0.7) : null;
    this.connected = false;
    this.rfb.disconnect();
    // A handshake that failed leaves what it had put there.
    this.host.replaceChildren();
    this.events.ended(picture);
  }
}
