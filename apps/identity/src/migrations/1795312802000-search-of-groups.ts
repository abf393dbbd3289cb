import type { MigrationInterface, QueryRunner } from 'typeorm'

export class SearchOfGroups1795312802000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create index user_group_sorted on model.user_group ((lower(name) collate "C"), guid);
      comment on index model.user_group_sorted is 'By code point: finds prefixes and gives the order.';
    `)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
