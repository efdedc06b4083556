import { Socket } from 'node:net'

// A unit test that connects somewhere is an integration test.
Socket.prototype.connect = function () {
  throw new Error('A unit test tried to open a connection: move it to test/integration.')
}
