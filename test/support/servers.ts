export * from '../../testing/servers.js';
