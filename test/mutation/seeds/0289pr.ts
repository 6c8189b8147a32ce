import { seedsOf } from '../seeds.ts';

seedsOf('0289pr');
