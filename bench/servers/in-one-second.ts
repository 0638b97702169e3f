/** Something that a server does at an even pace when the suite asks for it. */

/** Does `deed` as often as a number that comes over the channel says, spread over a second; answers `{ done }` then. */
export function inOneSecond(deed: () => void): void {
  process.on('message', (times) => {
    if (typeof times !== 'number') return;
    const began = performance.now();
    let done = 0;
    const timer = setInterval(() => {
      const due = Math.min(times, Math.floor(((performance.now() - began) / 1000) * times));
      for (; done < due; done += 1) deed();
      if (done < times) return;
      clearInterval(timer);
      process.send?.({ done });
    }, 1);
  });
}
