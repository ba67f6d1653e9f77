import { App } from 'aws-cdk-lib';
import { Shop } from './stack.ts';

new Shop(new App(), 'Shop');
