export * from '../read-if-any.js';
