import { queueContract } from '../queue.contract.ts';
import { inProcessQueue } from './in-process.ts';

queueContract('in process', inProcessQueue);
