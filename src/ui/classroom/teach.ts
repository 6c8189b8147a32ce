import type { LiveConfig } from '../../scenario/live-config-type.ts';
import { watchShown } from '../page.ts';
import { Lecture } from './lecture.ts';
import { LecturerBar } from './lecturer-bar.ts';
import type { Taught } from './taught.ts';

/**
 * Opens a class, and shows its bar.
 *
 * @param again  the class that this tab has taught
 * @throws Error that says why this page cannot teach
 */
export async function teach(fetchConfig: () => Promise<LiveConfig>, again?: Taught): Promise<void> {
  const bar = new LecturerBar();
  const lecture = new Lecture(fetchConfig, () => bar.requestUpdate(), again);
  await lecture.start();
  bar.lecture = lecture;
  bar.onEnd = () => {
    watchShown(() => undefined);
    bar.remove();
    void lecture.end();
  };
  bar.show();
  watchShown((store) => lecture.follow(store));
}
