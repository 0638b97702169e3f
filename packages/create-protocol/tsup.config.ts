import { sluicePackage } from '../../tsup.config.ts';

export default sluicePackage(import.meta.dirname);
