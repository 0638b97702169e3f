import { describe, test } from 'vitest';
import { testPoller } from '../../src/testing/index.ts';
import { epollDriver } from './epoll-driver.ts';
import { simulatedDriver } from './simulated-driver.ts';

describe('EpollPoller', () => {
  testPoller({ test, create: epollDriver });
});

describe('FakePoller, driven by a kernel of its own', () => {
  testPoller({ test, create: () => simulatedDriver() });
});
