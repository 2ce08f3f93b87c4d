import { strokesOfText, type Stroke } from './keyboard-layouts';
import { typeStrokes } from './type-strokes';

const { strokes } = strokesOfText('us', 'systemctl reboot');
const pause = (): Promise<void> => Promise.resolve();

describe('typing a text into a machine', () => {
  it('presses every key in turn and says how many they were', async () => {
    const pressed: Stroke[] = [];
    const told: number[] = [];
    const stop = new AbortController().signal;
    expect(await typeStrokes(strokes, { stroke: (each) => pressed.push(each) > 0, typed: (count) => told.push(count), stop, pause })).toBe(16);
    expect(pressed).toEqual(strokes);
    expect(told).toEqual([1, 11]);
  });

  it('says how many were typed before the connection was lost', async () => {
    let left = 9;
    expect(await typeStrokes(strokes, { stroke: () => left-- > 0, typed: () => undefined, stop: new AbortController().signal, pause })).toBe(9);
    expect(await typeStrokes(strokes, { stroke: () => false, typed: () => undefined, stop: new AbortController().signal, pause })).toBe(0);
  });

  it('types no more once it is stopped', async () => {
    const stop = new AbortController();
    let pressed = 0;
    const stroke = (): boolean => {
      pressed += 1;
      if (pressed === 4) stop.abort();
      return true;
    };
    expect(await typeStrokes(strokes, { stroke, typed: () => undefined, stop: stop.signal, pause })).toBe(4);
    expect(pressed).toBe(4);
  });
});
