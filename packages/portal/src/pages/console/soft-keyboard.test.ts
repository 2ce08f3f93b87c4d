import { changeOf } from './soft-keyboard';

describe('a keyboard on the glass', () => {
  it('writes at the end', () => {
    expect(changeOf('__', '__ls')).toEqual({ back: 0, text: 'ls' });
  });

  it('takes back', () => {
    expect(changeOf('__ls', '__l')).toEqual({ back: 1, text: '' });
    expect(changeOf('__', '_')).toEqual({ back: 1, text: '' });
  });

  it('mends the word that it guessed', () => {
    expect(changeOf('__teh', '__the ')).toEqual({ back: 2, text: 'he ' });
  });

  it('counts characters, not halves of them', () => {
    expect(changeOf('__😀', '__')).toEqual({ back: 1, text: '' });
  });
});
