/* A library whose names are in a table of the old kind, as programs' own libraries may be. */
int symbols_old_table(void);

int symbols_old_table(void)
{
    return 1;
}
