export * from '../resolv-conf.js';
