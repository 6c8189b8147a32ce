import { seedsOf } from '../seeds.ts';

seedsOf('plain');
