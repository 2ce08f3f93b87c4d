/**
 * Progress for people, on standard error, in one style: `  ✓ npm packages (12.3 s)`. On a terminal the line of
 * the running step counts its seconds; elsewhere (CI, a log file) it is repeated every ten, so that a long
 * step is seen to be alive.
 */
export async function step(name, run) {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const terminal = process.stderr.isTTY === true;
  const tick = setInterval(
    () => process.stderr.write(terminal ? `\r  … ${name} (${seconds().toFixed(0)} s)` : `  … ${name} (${seconds().toFixed(0)} s)\n`),
    terminal ? 1000 : 10_000,
  );
  const end = (mark, detail) => {
    clearInterval(tick);
    process.stderr.write(`${terminal ? '\r\u001b[K' : ''}  ${mark} ${name}${detail ? `: ${detail}` : ''} (${seconds().toFixed(1)} s)\n`);
  };
  try {
    const detail = await run();
    end('✓', typeof detail === 'string' ? detail : '');
  } catch (error) {
    end('✗', '');
    throw error;
  }
}
