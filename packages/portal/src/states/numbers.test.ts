import { speakBy } from '../language/spoken';
import { tellNumber, tellScore } from './numbers';
import { tellMiB } from './sizes';

describe('a number', () => {
  afterEach(() => speakBy((key) => key));

  it('is written as the language of the page writes it', () => {
    expect([tellNumber(1.257), tellScore(9.1), tellMiB(1536)]).toEqual(['1.26', '9.10', '1.5 GiB']);
    speakBy((key) => key, () => 'de');
    expect([tellNumber(1.257), tellScore(9.1), tellMiB(1536)]).toEqual(['1,26', '9,10', '1,5 GiB']);
  });

  it('has no decimals that say nothing', () => {
    expect([tellNumber(2), tellNumber(0.5, 1), tellMiB(512), tellMiB(2048), tellMiB(3 * 1024 * 1024)]).toEqual(['2', '0.5', '512 MiB', '2 GiB', '3 TiB']);
  });
});
