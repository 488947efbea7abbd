/* A library that is loaded once the program runs. */
int symbols_late(void);

int symbols_late(void)
{
    return 1;
}
